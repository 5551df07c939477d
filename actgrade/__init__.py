"""The grader, for any course of this format: release and grade exercises.

The way of an exercise: :mod:`source` reads a notebook of ``solutions/``, :mod:`stub` and
:mod:`release` make the learner's notebook of it, with :mod:`sidecar` and :mod:`verdict` for the
answer that the notebook gives at once. :mod:`exercise` prints values as canonical lines.

The way of a grade: :mod:`submission` takes the answers out of whatever was handed in, :mod:`forbid`
looks at their source, :mod:`trial` lays out a question's cells and runs the reference for the same
seed, :mod:`sandbox` runs the learner's, :mod:`nodes` lets nbval judge with :mod:`compare`,
:mod:`reasons`, :mod:`feedback` and :mod:`mistakes` say why, :mod:`results` and :mod:`table` report.
:mod:`grade` is the way in, :mod:`plugin` the same for pytest, and :mod:`verify` proves that it
works. :mod:`learner` is one learner's loop, :mod:`classroom` a whole class, and :mod:`commands` has
one module for each sub-command.

The rule that everything rests on: the verdict is computed outside the process that runs the
learner's code, from values that this process cannot know. What it may do to the machine meanwhile
is the subject of :mod:`sandbox`, which also says what is not protected there.

What nobody can grade away: an answer copied from a neighbour or from the published solutions; code
that hides a forbidden call from the guard (:mod:`sandbox.guard`). The reference answer of a
question that another one ``needs`` runs in the other one's process, where it can be read. In a
class, reasons quote nothing of what the code prints in held cells, but a factor or an offset that
it chooses can still carry a number out; held inputs are drawn anew for every run, so that number
helps nobody.
"""
