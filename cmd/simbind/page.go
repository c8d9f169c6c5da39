package main

import (
	_ "embed"
	"html/template"
	"io"
	"slices"
)

//go:embed page.html
var pageText string

// pageTemplate is the HTML of a report: one file, nothing fetched, no script; also well-formed XML.
var pageTemplate = template.Must(template.New("page").Parse(pageText))

// read are the sections of what was read; the findings stand on the page with evidence and next step.
func read(facts []fact) []section {
	return slices.DeleteFunc(sections(facts), func(s section) bool { return s.Name == "findings" })
}

func page(w io.Writer, r *cardFile) error {
	return pageTemplate.Execute(w, struct {
		*cardFile
		Disclosure string
		Sections   []section
		Drawing    drawing
	}{r, r.disclosure(), read(r.Facts), r.drawing})
}
