ethical_assessment = ""
