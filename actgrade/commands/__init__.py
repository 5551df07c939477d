"""The grader's sub-commands of ``actlab``: options, progress, exit codes; no logic of their own."""
