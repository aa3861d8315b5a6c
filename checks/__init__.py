"""What a reviewer would otherwise say twice, said by the build: `python -m checks`.

Each module here has ``problems(root)``: one line for each finding, none when all is well.
"""
