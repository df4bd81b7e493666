"""Mutation operators: the small slips a programmer makes, each as a node to put in another's place.

A replacement is always a new node; the one it replaces, and the children they share, stay as they are.
"""

import ast
from collections.abc import Callable, Iterator

Operator = Callable[[ast.AST], Iterator[ast.AST]]

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ADDED: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
EXTREMES = {"min": "max", "max": "min"}
LACKING = ("Missing", "history_missing", "unread_diagnoses")
"""Names by which a kind says what it lacks."""


def comparison(node: ast.AST) -> Iterator[ast.AST]:
    """``<`` for ``<=``, ``==`` for ``!=``, ``in`` for ``not in``, ``is`` for ``is not``, and back."""
    if isinstance(node, ast.Compare):
        for place, one in enumerate(node.ops):
            ops = [*node.ops[:place], COMPARED[type(one)](), *node.ops[place + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def addition(node: ast.AST) -> Iterator[ast.AST]:
    """``+`` for ``-`` and back, except where text is joined."""
    if isinstance(node, ast.BinOp) and type(node.op) in ADDED and not (_is_text(node.left) or _is_text(node.right)):
        yield ast.BinOp(node.left, ADDED[type(node.op)](), node.right)
    elif isinstance(node, ast.AugAssign) and type(node.op) in ADDED and not _is_text(node.value):
        yield ast.AugAssign(node.target, ADDED[type(node.op)](), node.value)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) or _is_text(node.orelse)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def whole_number(node: ast.AST) -> Iterator[ast.AST]:
    """One more, and one less."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)


def truth(node: ast.AST) -> Iterator[ast.AST]:
    """``True`` for ``False`` and back."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)


def connective(node: ast.AST) -> Iterator[ast.AST]:
    """``and`` for ``or`` and back."""
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def negation(node: ast.AST) -> Iterator[ast.AST]:
    """``not`` dropped."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def condition(node: ast.AST) -> Iterator[ast.AST]:
    """The condition of an ``if`` turned round, where no other operator does that already."""
    if isinstance(node, ast.If) and _turns(node.test):
        yield ast.If(_denied(node.test), node.body, node.orelse)
    elif isinstance(node, ast.IfExp) and _turns(node.test):
        yield ast.IfExp(_denied(node.test), node.body, node.orelse)
    elif isinstance(node, ast.comprehension):
        for place, test in enumerate(node.ifs):
            if _turns(test):
                ifs = [*node.ifs[:place], _denied(test), *node.ifs[place + 1 :]]
                yield ast.comprehension(node.target, node.iter, ifs, node.is_async)


def _denied(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _turns(test: ast.expr) -> bool:
    if isinstance(test, ast.Compare):
        return len(test.ops) > 1 or isinstance(test.ops[0], ORDERED)
    return not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))


def extreme(node: ast.AST) -> Iterator[ast.AST]:
    """``min`` for ``max`` and back."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXTREMES:
        yield ast.Call(ast.Name(EXTREMES[node.func.id], ast.Load()), node.args, node.keywords)


def code(node: ast.AST) -> Iterator[ast.AST]:
    """A code in a tuple, list or set emptied."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for place, one in enumerate(node.elts):
            if _is_code(one):
                elements = [*node.elts[:place], ast.Constant(""), *node.elts[place + 1 :]]
                if isinstance(node, ast.Set):
                    yield ast.Set(elements)
                else:
                    yield type(node)(elements, node.ctx)


def affix(node: ast.AST) -> Iterator[ast.AST]:
    """What a text is asked to begin or end with emptied."""
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in {"startswith", "endswith"}:
        return
    if node.args and _is_code(node.args[0]):
        yield ast.Call(node.func, [ast.Constant(""), *node.args[1:]], node.keywords)


def _is_code(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


def loop(node: ast.AST) -> Iterator[ast.AST]:
    """``break`` for ``continue``."""
    if isinstance(node, ast.Continue):
        yield ast.Break()


def duration(node: ast.AST) -> Iterator[ast.AST]:
    """A computed ``timedelta(days=…)`` one longer; a plain number is changed as one already."""
    if isinstance(node, ast.Call) and "timedelta" in {getattr(node.func, "id", ""), getattr(node.func, "attr", "")}:
        for place, one in enumerate(node.keywords):
            if not isinstance(one.value, ast.Constant):
                longer = ast.keyword(one.arg, ast.BinOp(one.value, ast.Add(), ast.Constant(1)))
                yield ast.Call(node.func, node.args, [*node.keywords[:place], longer, *node.keywords[place + 1 :]])


def answer(node: ast.AST) -> Iterator[ast.AST]:
    """A ``yield`` left out; the return of what is lacking, or raising an error, left out."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom):
        yield ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None and _lacks(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise):
        yield ast.Pass()


def _lacks(value: ast.expr) -> bool:
    inner = ast.walk(value)
    return any(getattr(node, "id", getattr(node, "attr", "")) in LACKING for node in inner)


OPERATORS: tuple[Operator, ...] = (
    comparison,
    addition,
    whole_number,
    truth,
    connective,
    negation,
    condition,
    extreme,
    code,
    affix,
    loop,
    duration,
    answer,
)
