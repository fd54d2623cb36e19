"""What may be spent: by a job, and by a tenant in a day or a month. Reserved before a call, settled after it."""
