"""The authority's workbooks (官方知识点工作簿): read, compared with a rule pack, written into it, and taken back.

``sheets`` opens files; ``layouts`` finds tables by their column words; ``classes`` says what each class of knowledge
point means; ``values`` reads its cells; ``rows`` drafts pack rows; ``held`` and ``plan`` compare them with the pack;
``apply`` writes and rolls back; ``gaps`` looks at the hospital's item dictionary; ``command`` is the subcommand.
"""
