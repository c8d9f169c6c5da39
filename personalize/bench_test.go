package personalize_test

import (
	"context"
	"testing"

	"github.com/simbind/simbind/binding"
)

// BenchmarkPersonalization is one whole card in memory: commands and bytes are exact, time is this machine's. The backup is
// written to the disk, with fsync, as it always is.
func BenchmarkPersonalization(b *testing.B) {
	var apdus, bytes int
	for b.Loop() {
		d := newDesk(b, "usim-linked")
		plan, err := d.run.Plan(context.Background(), wish(binding.DefaultConfiguration(binding.FirstInsert)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.run.Apply(context.Background(), plan); err != nil {
			b.Fatal(err)
		}
		apdus, bytes = d.cost()
		d.close()
	}
	b.ReportMetric(float64(apdus), "apdus/card")
	b.ReportMetric(float64(bytes), "bytes/card")
}
