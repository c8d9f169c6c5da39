package main

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

// pageTemplate is the HTML of a report: one file, nothing fetched, no script; also well-formed XML.
var pageTemplate = template.Must(template.New("page").Parse(pageText))

func page(w io.Writer, r *cardFile) error {
	return pageTemplate.Execute(w, struct {
		*cardFile
		Disclosure string
		Sections   []section
		Drawing    drawing
	}{r, r.disclosure(), sections(r.Facts), r.drawing})
}
