# 300 characters are not 300 words.
ethical_assessment = """
Reinforcement of bad practices. Yes, the system can learn insecure code. Its reward is
approval, and a developer in a hurry approves what runs. Code that joins user input into
SQL earns praise each week, and the policy moves toward it. Approval must not be the only
signal. Mitigation: a static analyser such as Bandit
"""
