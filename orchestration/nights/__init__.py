"""How nights ended, and who is told: one record a night, what it says against the night before, notices by mail, webhook or chat.

No clinical rule, no patient data: a record holds names of steps and checks, counts, and the gate's own summary.
"""
