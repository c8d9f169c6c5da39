package explore

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

var scratch = append(Worlds(), More()...)
func TestScratch(t *testing.T) {
	limit, _ := strconv.Atoi(os.Getenv("LIMIT"))
	for _, w := range scratch {
		if n := os.Getenv("W"); n != "" && n != w.Name {
			continue
		}
		b := time.Now()
		r, err := Explore(w, limit)
		fmt.Println(r, err, time.Since(b))
		if r.Violation != "" {
			fmt.Println(r.Trace)
		}
	}
}
