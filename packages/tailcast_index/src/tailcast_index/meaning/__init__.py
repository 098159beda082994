"""What one record says: its step, its time, its metrics. Knows no other record.

Only the choice of a session's keys looks at several records.
"""
