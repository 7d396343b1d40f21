// What go/parser finds in Go files. Reads file names from stdin, writes one JSON object a line.
package main

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
)

type answer struct {
	File    string          `json:"file"`
	Symbols [][]interface{} `json:"symbols"`
	Error   string          `json:"error,omitempty"`
}

func receiver(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.ParenExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	}
	return ""
}

func outline(set *token.FileSet, file *ast.File) [][]interface{} {
	found := [][]interface{}{}
	add := func(path, kind string, from, to token.Pos) {
		// The physical line, whatever `//line` says.
		found = append(found, []interface{}{path, kind, set.PositionFor(from, false).Line, set.PositionFor(to-1, false).Line})
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "_" {
				continue
			}
			if d.Recv == nil {
				add(d.Name.Name, "func", d.Pos(), d.End())
			} else if len(d.Recv.List) == 1 {
				// The parser takes receivers that no type can have.
				if of := receiver(d.Recv.List[0].Type); of != "" {
					add(of+"::"+d.Name.Name, "method", d.Pos(), d.End())
				}
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				from := spec.Pos()
				if !d.Lparen.IsValid() {
					from = d.Pos()
				}
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.Name != "_" {
						add(s.Name.Name, "type", from, s.End())
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if name.Name != "_" {
							add(name.Name, d.Tok.String(), from, s.End())
						}
					}
				}
			}
		}
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		name := lines.Text()
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			_ = out.Encode(answer{File: name, Error: err.Error()})
			continue
		}
		_ = out.Encode(answer{File: name, Symbols: outline(set, file)})
	}
}
