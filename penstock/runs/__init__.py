"""Running patterns: from a message of JOBS to the job's end, through any number of replays."""
