package job

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/simbind/simbind/uicc"
)

// manyCards is a file of n different cards, each with its own IMSI and IMEI, as a bench gets it.
func manyCards(n int) []byte {
	var b bytes.Buffer
	b.WriteString("iccid;imsi;scheme;imei;no_imei;strict_start\r\n")
	for i := range n {
		body := fmt.Sprintf("898821%012d", i)
		check, _ := uicc.CheckDigit(body)
		fmt.Fprintf(&b, "%s%c;00101%010d;preset;35209900%06d%d;deny;no\r\n", body, check, i, i%1_000_000, luhnDigit(fmt.Sprintf("35209900%06d", i%1_000_000)))
	}
	return b.Bytes()
}

func luhnDigit(digits string) int {
	check, _ := uicc.CheckDigit(digits)
	return int(check - '0')
}

// peak watches the heap: what the program holds and has not given back.
type peak struct {
	most atomic.Uint64
	stop chan struct{}
	done chan struct{}
}

func watch() *peak {
	p := &peak{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			p.most.Store(max(p.most.Load(), sample[0].Value.Uint64()-sample[1].Value.Uint64()))
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
		}
	}()
	return p
}

func (p *peak) MiB() float64 {
	close(p.stop)
	<-p.done
	return float64(p.most.Load()) / (1 << 20)
}

// BenchmarkValidate validates a job of a million cards from the disk. It fails above 10 s or 1 GiB.
func BenchmarkValidate(b *testing.B) {
	const rows = 1_000_000
	path := b.TempDir() + "/cards.csv"
	if err := os.WriteFile(path, manyCards(rows), 0o600); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	debug.FreeOSMemory()
	p := watch()
	for b.Loop() {
		j, err := Load(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if j.Len() != rows {
			b.Fatalf("%d rows", j.Len())
		}
	}
	each := b.Elapsed().Seconds() / float64(b.N)
	most := p.MiB()
	b.ReportMetric(rows/each, "rows/s")
	b.ReportMetric(most, "peak-MiB")
	if each > 10 || most > 1024 {
		b.Errorf("%.1f s and %.0f MiB for a million cards; 10 s and 1024 MiB are allowed", each, most)
	}
}

// BenchmarkRow finds one card of a million.
func BenchmarkRow(b *testing.B) {
	text := manyCards(1_000_000)
	j, err := Read(bytes.NewReader(text), "cards.csv", Options{})
	if err != nil {
		b.Fatal(err)
	}
	iccids := j.ICCIDs()
	for i := 0; b.Loop(); i++ {
		if _, ok := j.Row(iccids[i*7919%len(iccids)]); !ok {
			b.Fatal("a card is not found")
		}
	}
}
