/** What the declarations of the installed package say, by TypeScript's own model of them. */
import { API, SymbolFlags, type Project, type Symbol as TsSymbol } from 'typescript/unstable/sync';
import { SyntaxKind, type Node } from 'typescript/unstable/ast';
import { isClassDeclaration, isIdentifier, isQualifiedName } from 'typescript/unstable/ast/is';

export interface Findings {
  /** Types that a public signature names and no entry exports: `Trainer.create names TrainerOptions (train/step/trainer-options.d.ts)`. */
  readonly hidden: readonly string[];
  /** Exports, and methods of exported classes, without a docstring. */
  readonly undocumented: readonly string[];
}

/** Reads the entries, files of declarations in the project of the file `config`. */
export function findings(config: string, entries: readonly string[]): Findings {
  const api = new API();
  const snapshot = api.updateSnapshot({ openProjects: [config] });
  try {
    return read(snapshot.getProject(config)!, entries);
  } finally {
    snapshot.dispose();
    api.close();
  }
}

function read({ program, checker }: Project, entries: readonly string[]): Findings {
  const resolved = (symbol: TsSymbol) => (symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exported = new Map<number, [name: string, symbol: TsSymbol]>();
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    for (const symbol of checker.getExportsOfModule(module)) exported.set(resolved(symbol).id, [symbol.name, resolved(symbol)]);
  }
  const hidden = new Set<string>();
  const undocumented = new Set<string>();

  /** Looks at each name of a type below a node of declarations that are ours. */
  const visit = (node: Node, owner: string): void => {
    if (isHidden(node)) return;
    const name = namedType(node);
    const symbol = name && checker.getSymbolAtLocation(name);
    const target = symbol && resolved(symbol);
    const file = target?.declarations[0]?.path;
    if (target && file?.includes('/descent-gpu/dist/') && !(target.flags & SymbolFlags.TypeParameter) && !exported.has(target.id)) {
      hidden.add(`${owner} names ${target.name} (${file.split('/dist/')[1]})`);
    }
    node.forEachChild(child => visit(child, owner));
  };

  /** A comment above `export const a = …, b = …` is about all of them. */
  const isDocumented = (symbol: TsSymbol, declaration: Node): boolean => {
    const { declarations: [first] = [] } = declaration.parent as { declarations?: readonly Node[] };
    const label = (first as { name?: Node } | undefined)?.name;
    return [symbol, label && checker.getSymbolAtLocation(label)].some(s => s && checker.getDocumentationCommentOfSymbol(s));
  };

  for (const [name, symbol] of exported.values()) {
    if (!symbol.declarations.some(handle => isDocumented(symbol, handle.resolve()!))) undocumented.add(name);
    for (const handle of symbol.declarations) {
      const node = handle.resolve()!;
      visit(node, name);
      if (!isClassDeclaration(node)) continue;
      for (const member of node.members) {
        const label = (member as { name?: Node }).name;
        const method = label && checker.getSymbolAtLocation(label);
        if (!method || isHidden(member) || !(method.flags & SymbolFlags.Method)) continue;
        if (!checker.getDocumentationCommentOfSymbol(method)) undocumented.add(`${name}.${method.name}`);
      }
    }
  }
  return { hidden: [...hidden].sort(), undocumented: [...undocumented].sort() };
}

/** Whether a member is private, by its keyword or its name. */
function isHidden(node: Node): boolean {
  const { modifiers, name } = node as { modifiers?: readonly Node[]; name?: Node };
  return Boolean(modifiers?.some(m => m.kind === SyntaxKind.PrivateKeyword)) || name?.kind === SyntaxKind.PrivateIdentifier;
}

/** The name in a node that refers to a type, or to a class that is extended. */
function namedType(node: Node): Node | undefined {
  const { typeName, expression, qualifier } = node as { typeName?: Node; expression?: Node; qualifier?: Node };
  const name =
    node.kind === SyntaxKind.TypeReference
      ? typeName
      : node.kind === SyntaxKind.ExpressionWithTypeArguments
        ? expression
        : node.kind === SyntaxKind.ImportType
          ? qualifier
          : undefined;
  return name && (isIdentifier(name) || isQualifiedName(name)) ? name : undefined;
}
