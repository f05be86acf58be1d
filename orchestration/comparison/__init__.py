"""`crlm diff`: two publications side by side - who is in, whose rows changed and by which record, which numbers moved.

publications: the comparison as tidy frames, by SQL over the two files. show: those frames in the terminal and as JSON.
"""
