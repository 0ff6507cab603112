"""The second look: does a function that earned points behave as its points say?"""
