//go:build pcscd

package main

import (
	"context"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/vpcd"
)

// TestPCSCDGuide follows docs/bench.md with the commands that TestGuide leaves out: those before a real PC/SC service, and those of stations that
// share a PostgreSQL.
func TestPCSCDGuide(t *testing.T) {
	ports, server := strings.Fields(os.Getenv("SIMBIND_VPCD_PORTS")), os.Getenv("SIMBIND_POSTGRES")
	if len(ports) == 0 || server == "" {
		t.Fatal("no readers or no database: run this through scripts/with-pcscd and scripts/with-postgres")
	}
	g := newGuide(t)
	const example = "postgres://bench@db.example/ledger?sslmode=verify-full"
	if !strings.Contains(readDocument(t, "docs/bench.md"), example) {
		t.Fatalf("docs/bench.md does not name %s", example)
	}
	g.replace = strings.NewReplacer(example, ownSchema(t, server))
	stages := []string{"console"}
	for _, c := range guideCommands(t, "docs/bench.md") {
		g.reader = "virtual:cards"
		if c.block == "console pcscd" {
			if g.reader = ""; c.heading != g.heading {
				g.insert(ports[0], filepath.Join("drawer", "a.json"))
			}
		}
		g.follow(c)
		if !slices.Contains(stages, c.block) {
			stages = append(stages, c.block)
		}
	}
	if len(stages) != 3 {
		t.Errorf("blocks: %q", stages)
	}
}

// ownSchema is the URL of a place in the database that nobody else uses.
func ownSchema(t *testing.T, server string) string {
	t.Helper()
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE SCHEMA guide"); err != nil {
		t.Fatal(err)
	}
	return server + "&search_path=guide"
}

// insert puts a card into the reader of the service for the time of the test.
func (g *guide) insert(port, path string) {
	t := g.t
	t.Helper()
	image := readFile(t, filepath.Join(g.dir, path)) // a copy: the card itself stays in the drawer
	g.file("inserted.json", image, 0o600)
	chip, err := vuicc.Open(filepath.Join(g.dir, "inserted.json"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- vpcd.ServeConn(ctx, conn, chip) }()
	t.Cleanup(func() {
		cancel()
		<-done // whatever the driver said when it was cut off
	})
	service, err := pcsc.New()
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	wait, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if _, err := service.Wait(wait, func(rs []pcsc.Reader) bool {
		return slices.ContainsFunc(rs, func(r pcsc.Reader) bool { return r.Present })
	}); err != nil {
		t.Fatalf("the card does not come: %v", err)
	}
}
