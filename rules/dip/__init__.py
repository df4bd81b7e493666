"""DIP (病种分值付费): group a stay, weigh it in points, and say what it is paid under a scheme.

``codes`` closed sets, ``model`` nouns, ``normalise`` codes as sent, ``directory`` a scheme indexed, ``grouper`` the
group and ``tracing`` why, ``auxiliary`` sub-types, ``points``, ``payment``, ``assess`` all of it for one case,
``settlement`` and ``strategies`` for many, ``quality`` and ``moves`` for coders, ``stay`` an encounter's standing.
Schemes are data in ``schemes/<name>/``, compiled by ``compiler``; nothing in code knows a region.
"""
