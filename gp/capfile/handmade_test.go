package capfile_test

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"
)

// parts are the components of a CAP file in hex, by the names of their files.
type parts map[string]string

// handmade is a CAP file written down byte by byte: format 2.2, package com/acme F0112233445501 1.2, one applet, two imports. Its Descriptor
// and Debug are of the size the Directory says, and hold nothing.
func handmade() parts {
	return parts{
		"Header":       "01 001A DECAFFED 02 02 04 02 01 07 F0112233445501 08 636F6D2F61636D65",
		"Directory":    "02 0021 001A 0021 000C 0016 0006 0008 000A 000A 0004 0000 0002 0001 0000 0000 0000 02 01 00",
		"Applet":       "03 000C 01 08 F011223344550101 0004",
		"Import":       "04 0016 02 00 01 07 A0000000620001 06 01 08 F011223344556677",
		"ConstantPool": "05 0006 0001 06800300",
		"Class":        "06 0008 00 80 0000FF000000",
		"Method":       "07 000A 00 011018 8C0000 7A 7A7A",
		"StaticField":  "08 000A 0000 0000 0000 0000 0000",
		"RefLocation":  "09 0004 0000 0000",
		"Descriptor":   "0B 0002 0000",
		"Debug":        "0C 0001 00",
	}
}

// inOrder is the load order.
var inOrder = []string{"Header", "Directory", "Import", "Applet", "Class", "Method", "StaticField", "ConstantPool", "RefLocation", "Descriptor"}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func (p parts) loadFile(names ...string) []byte {
	var out []byte
	for _, n := range names {
		out = append(out, unhex(p[n])...)
	}
	return out
}

// zip packs the parts by name, behind a manifest as converters write it.
func (p parts) zip(t testing.TB, folder string) []byte {
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(p)) {
		entries = append(entries, entry{folder + name + ".cap", unhex(p[name])})
	}
	return pack(t, append([]entry{{"META-INF/MANIFEST.MF", []byte("Manifest-Version: 1.0\n")}}, entries...)...)
}

type entry struct {
	name string
	data []byte
}

func pack(t testing.TB, entries ...entry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
