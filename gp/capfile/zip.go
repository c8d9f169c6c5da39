package capfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits of the ZIP.
const (
	maxEntries   = 1024
	maxComponent = headSize + 0xFFFF // a u2 says its size
)

// unzip finds the components of the one package a ZIP holds, in a folder javacard (clauses 4.1.3, 6.1.1), and tells the package's folder.
// Everything else in the ZIP, a manifest or class files, stays packed.
func unzip(b []byte) (components, string, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, "", fmt.Errorf("ZIP: damaged or cut short: %w", err)
	}
	if len(z.File) > maxEntries {
		return nil, "", fmt.Errorf("ZIP: %d entries, at most %d", len(z.File), maxEntries)
	}
	set, folder := components{}, ""
	for _, entry := range z.File {
		in, tag, ok := place(entry.Name)
		if !ok {
			continue
		}
		if len(set) > 0 && in != folder {
			return nil, "", fmt.Errorf("ZIP: packages in %q and in %q, and one is loaded at a time", folder, in)
		}
		folder = in
		if _, twice := set[tag]; twice {
			return nil, "", fmt.Errorf("%s: twice in the ZIP", tag)
		}
		if set[tag], err = unpack(tag, entry); err != nil {
			return nil, "", err
		}
	}
	if len(set) == 0 {
		return nil, "", errors.New("ZIP: no component in a folder javacard")
	}
	return set, folder, nil
}

// place tells the package folder and the component of <folder>/javacard/<component>.cap.
func place(name string) (folder string, tag Tag, ok bool) {
	dir, file := path.Split(name)
	tag, ok = named(file)
	parent, last := path.Split(strings.TrimSuffix(dir, "/"))
	return strings.TrimSuffix(parent, "/"), tag, ok && strings.EqualFold(last, "javacard")
}

// unpack reads at most what the entry says it has and a byte more, and no more than a component can have. The reader refuses an entry that
// unpacks to more or to less than it says, or to something else.
func unpack(tag Tag, entry *zip.File) (Component, error) {
	if entry.UncompressedSize64 > maxComponent {
		return Component{}, fmt.Errorf("%s: %d bytes, a component has at most %d", tag, entry.UncompressedSize64, maxComponent)
	}
	r, err := entry.Open()
	if err != nil {
		return Component{}, fmt.Errorf("%s: %w", tag, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, int64(entry.UncompressedSize64)+1))
	if err != nil {
		return Component{}, fmt.Errorf("%s: %w", tag, err)
	}
	return component(tag, b)
}
