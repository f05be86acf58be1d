"""`crlm review`: the page on which coordinators and reviewers answer what the rules could not settle.

questions: what is asked, written by the night into the restricted build area. answers: what was answered, kept at once.
server: the page, on loopback only. Nothing here decides a margin; an answer is a record that lands like any other.
"""
