"""One module a task: `TASK`, `IMPLEMENTATION` (the program that gives the numbers) and

`read(files, run, instance_type) -> Output`, pure, which raises Spoilt where the output is not whole. A new task is a new module
here.
"""
