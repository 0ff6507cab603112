ethical_assessment = """
YOUR 300-WORD ASSESSMENT HERE
"""
