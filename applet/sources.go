// Package applet carries the Java sources of the binding applet: api, signature stubs to compile against; src, the applet
// itself; runtime, what runs it on the virtual card.
package applet

import "embed"

// Sources are the folders api, runtime and src.
//
//go:embed api runtime src
var Sources embed.FS
