package content

import (
	"fmt"

	"github.com/simbind/simbind/gp"
)

// PlanStore plans STORE DATA, p1 as gp.StoreData takes it: to the security domain, or through it to an application.
func (d *Domain) PlanStore(application []byte, p1 byte, data []byte) ([]Step, error) {
	var steps []Step
	if application != nil {
		c, err := gp.InstallForPersonalization(application)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Step{Name: "INSTALL [for personalization]", Command: c})
	}
	blocks, err := gp.StoreData(p1, data, d.Room())
	for n, c := range blocks {
		steps = append(steps, Step{Name: fmt.Sprintf("STORE DATA block %d of %d", n+1, len(blocks)), Command: c})
	}
	return steps, err
}
