// What the TypeScript compiler finds in TypeScript files. Reads file names from stdin, writes one JSON object a line.
// The first argument is the directory of the `typescript` package.

const fs = require("fs");
const ts = require(process.argv[2]);

const K = ts.SyntaxKind;

function unwrap(node) {
  while (
    node &&
    (ts.isParenthesizedExpression(node) ||
      ts.isAsExpression(node) ||
      ts.isTypeAssertionExpression(node) ||
      ts.isNonNullExpression(node) ||
      (ts.isSatisfiesExpression && ts.isSatisfiesExpression(node)))
  ) {
    node = node.expression;
  }
  return node;
}

function outline(source) {
  const found = [];
  const line = (at) => source.getLineAndCharacterOfPosition(at).line + 1;

  function add(path, node, from, to) {
    const symbol = [path, K[node.kind], line((from || node).getStart(source)), line((to || node).getEnd())];
    found.push(symbol);
    return symbol;
  }

  // A signature without a body, and what follows it under the same name, are one.
  function folder() {
    let open = null;
    return (path, node, from) => {
      if (open && open[0] === path) {
        open[3] = line(node.getEnd());
      } else {
        open = add(path, node, from);
      }
      if (node.body) open = null;
    };
  }

  function memberName(node) {
    const name = node.name;
    if (!name) return null;
    if (ts.isIdentifier(name) || ts.isPrivateIdentifier(name)) return name.text;
    if (ts.isStringLiteral(name) || ts.isNumericLiteral(name)) return name.getText(source).replace(/^(["'])(.*)\1$/s, "$2");
    return null;
  }

  function bound(path, value, kind, from, to) {
    value = unwrap(value);
    if (!value) return false;
    if (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) {
      add(path, kind || value, from, to);
      return true;
    }
    if (ts.isClassExpression(value)) {
      add(path, value, from, to);
      members(value, path + "::");
      return true;
    }
    return false;
  }

  function members(node, scope) {
    let fold = folder();
    for (const member of node.members) {
      if (ts.isMethodDeclaration(member) || ts.isConstructorDeclaration(member)) {
        const name = ts.isConstructorDeclaration(member) ? "constructor" : memberName(member);
        if (name !== null) fold(scope + name, member);
        continue;
      }
      if (ts.isSemicolonClassElement(member)) continue;
      const name = memberName(member);
      if (name === null) continue;
      if (ts.isGetAccessorDeclaration(member) || ts.isSetAccessorDeclaration(member)) {
        add(scope + name, member);
        fold = folder();
      } else if (ts.isPropertyDeclaration(member)) {
        if (bound(scope + name, member.initializer, null, member, member)) fold = folder();
      }
    }
  }

  function statements(list, scope) {
    let fold = folder();
    for (const node of list) {
      const isDefault = !!(node.modifiers || []).find((modifier) => modifier.kind === K.DefaultKeyword);
      const before = found.length;
      switch (node.kind) {
        case K.FunctionDeclaration: {
          const name = node.name ? node.name.text : isDefault ? "default" : null;
          if (name !== null) fold(scope + name, node);
          continue;
        }
        case K.ClassDeclaration: {
          const name = node.name ? node.name.text : isDefault ? "default" : null;
          if (name !== null) {
            add(scope + name, node);
            members(node, scope + name + "::");
          }
          break;
        }
        case K.InterfaceDeclaration:
        case K.TypeAliasDeclaration:
        case K.EnumDeclaration:
          add(scope + node.name.text, node);
          break;
        case K.ModuleDeclaration: {
          let path = scope + node.name.text;
          add(path, node);
          let body = node.body;
          while (body && body.kind === K.ModuleDeclaration) {
            path += "::" + body.name.text;
            add(path, node);
            body = body.body;
          }
          if (body) statements(body.statements, path + "::");
          break;
        }
        case K.VariableStatement:
          node.declarationList.declarations.forEach((declaration, at) => {
            if (ts.isIdentifier(declaration.name)) {
              const from = at === 0 ? node : declaration;
              bound(scope + declaration.name.text, declaration.initializer, null, from, declaration);
            }
          });
          break;
        case K.ExportAssignment:
          if (!node.isExportEquals) bound(scope + "default", node.expression, null, node, node);
          break;
      }
      if (found.length > before) fold = folder();
    }
  }

  statements(source.statements, "");
  return found;
}

const KINDS = { ".tsx": ts.ScriptKind.TSX, ".js": ts.ScriptKind.JSX, ".jsx": ts.ScriptKind.JSX,
  ".mjs": ts.ScriptKind.JSX, ".cjs": ts.ScriptKind.JSX };

for (const name of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const text = fs.readFileSync(name, "utf8");
  const kind = KINDS[name.slice(name.lastIndexOf("."))] || ts.ScriptKind.TS;
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, kind);
  const answer = { file: name };
  if (source.parseDiagnostics.length) answer.error = source.parseDiagnostics[0].messageText.toString().slice(0, 80);
  else answer.symbols = outline(source);
  process.stdout.write(JSON.stringify(answer) + "\n");
}
