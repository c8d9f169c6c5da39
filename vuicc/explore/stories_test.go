package explore_test

import (
	"context"
	"math/rand"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/explore"
	"github.com/simbind/simbind/vuicc/scenario"
)

// TestStoriesOnTheCard: what the exploration says of a state is so on the whole virtual card as well, with its commands, PINs, secure
// channel and files: stories chosen by chance are run as scenarios, to the content of EF_IMSI at their end.
func TestStoriesOnTheCard(t *testing.T) {
	options := scenario.Options{Module: bindapp.New, Open: func(link apdu.Transmitter) (apdu.Transmitter, error) {
		keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
		return gp.Open(context.Background(), link, keys, gp.Options{Level: gp.LevelCMAC})
	}}
	chance := rand.New(rand.NewSource(1))
	for _, w := range explore.Worlds() {
		if w.Remove {
			continue // the language has no word for the removal
		}
		stories, err := explore.Stories(w, 2000, 20, chance)
		if err != nil {
			t.Fatal(err)
		}
		for _, story := range stories {
			s, err := scenario.Parse(w.Name, []byte(story))
			if err == nil {
				err = scenario.Run(s, options)
			}
			if err != nil {
				t.Errorf("%v\n%s", err, story)
				break
			}
		}
	}
}
