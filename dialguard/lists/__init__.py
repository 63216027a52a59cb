"""Do-Not-Call lists kept on this machine: import, versions, look-ups.

``importing`` brings a file in, ``versions`` keeps and checks what was brought in, ``catalog`` answers
questions, ``bits`` is the file format underneath, ``formats`` and ``reading`` take source files apart.
"""
