# The text stands alone; the name keeps the empty string.
ethical_assessment = ""
"""
Reinforcement of bad practices. Yes, the system can learn insecure code. Its reward is
approval, and a developer in a hurry approves what runs. Code that joins user input into
SQL earns praise each week, and the policy moves toward it. Approval must not be the only
signal. Mitigation: a static analyser such as Bandit reads every sampled response before
the reward is computed. A serious finding sets the reward to minus one, whatever the
developer says. A fixed set of security prompts is run before each release; a fall against
the reference model blocks it.

Privacy of developer conversations. Turns contain source code, keys, customer names and
bad moods. NexaCode should keep the response, the feedback and the reward, and nothing
else. Secrets are removed on the developer's machine, raw text is deleted after thirty
days, and a manager never sees the corrections of one person. Mitigation: each developer
has a separate adapter, encrypted with a personal key. When somebody leaves, the adapter
and the corrections are deleted together, so no shared weight has to forget anything. A
merge of adapters needs consent and differential privacy with a published budget.

Fairness across experience levels. Junior developers correct more often, so their copies
get more signal, and they may praise what only looks convincing. Senior developers answer
rarely, so their assistant hardly changes. This is a two-tier experience. Mitigation: cap
the updates and the KL divergence for every person, weight sessions so that all developers
count the same, and compare the true satisfaction of both groups every month, with
intervals. If the gap is larger than the intervals, training stops until we know why.
Juniors also receive a short explanation with each answer, so that they learn and do not
only get what they like.
"""
