ethical_assessment = None
