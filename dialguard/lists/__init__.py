"""Do-Not-Call lists, and lists of other kinds, kept on this machine: import, versions, look-ups.

``importing`` brings a full list in and ``changing`` applies a list of changes, both over ``staging``; ``versions`` keeps and checks
what was brought in, ``catalog`` answers questions, ``bits`` is the file format underneath (``editing`` writes a changed copy).
``formats``, ``reading``, ``changefile``, ``xmlform`` and ``ranges`` take source files apart. ``kinds`` makes facts of lists that are no
do-not-call lists, ``reassigned`` keeps the answers of the Reassigned Numbers Database; ``upkeep`` knows what falls due,
``certificate`` states what was in force.
"""
