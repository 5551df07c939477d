"""Grade a whole class: from the folder that a learning platform exports to a gradebook.

The way of a submission: :mod:`walk` walks folders and zip files, :mod:`layouts` tells whose file
it is, :mod:`choice` which of several files counts, :mod:`collect` makes one row for each learner
and chapter; what a file is, :mod:`actgrade.recognise` says by its content. :mod:`work` grades one
unit, a
chapter and the bytes of one file, in a process that keeps its fork server warm; :mod:`schedule`
spreads units over cores or a cluster, and :mod:`store` keeps each as soon as it is done, so that a
run that was killed continues where it stopped. :mod:`key` is where ``SEED`` comes from.

The way of a result: :mod:`document` is the one form that everything else is written from:
:mod:`gradebook` (Canvas), :mod:`junit`, :mod:`similar` and :mod:`html_report`. :mod:`gradescope`
and :mod:`github` are the same for one submission inside those services.

Everything that a learner can choose, names of files included, is hostile until it has passed
:func:`actgrade.quote.quote`, the CSV writer's guard or an escaping template.
"""
