"""What Python's own parser finds in Python files. Reads file names from stdin, writes one JSON object a line."""

import ast
import json
import sys
import tokenize
import warnings


def statements(body, scope, out):
    """The declarations among statements at the level of a module or a class."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            path = scope + node.name
            first = min([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
            out.append([path, type(node).__name__, first, node.end_lineno])
            if isinstance(node, ast.ClassDef):
                statements(node.body, path + "::", out)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    out.append([scope + target.id, "Lambda", node.lineno, node.end_lineno])
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Lambda):
            if isinstance(node.target, ast.Name):
                out.append([scope + node.target.id, "Lambda", node.lineno, node.end_lineno])
        else:
            # `if`, `try`, `with`, `for`, `while`, `match`: whatever has statements in it.
            for inner in blocks(node):
                statements(inner, scope, out)


def blocks(node):
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        inner = getattr(node, field, None)
        if not isinstance(inner, list):
            continue
        if field in ("handlers", "cases"):
            for clause in inner:
                yield clause.body
        else:
            yield inner


def main():
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10_000)
    for line in sys.stdin:
        name = line.rstrip("\n")
        try:
            with tokenize.open(name) as file:
                source = file.read()
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            print(json.dumps({"file": name, "error": type(error).__name__}))
            continue
        out = []
        statements(tree.body, "", out)
        print(json.dumps({"file": name, "symbols": out}))


main()
