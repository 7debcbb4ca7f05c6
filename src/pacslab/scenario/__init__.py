"""What an exercise is: scenarios as data, their loading, and one student's variant of one."""
