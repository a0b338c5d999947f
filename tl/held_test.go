package tl

import (
	"strings"
	"testing"
	"time"
)

func TestHeldText(t *testing.T) {
	h := Held{
		Items: []Holding{
			{Kind: "base", Name: "efficientnet_lite0", Bytes: 18_596_512, LastUsed: time.Now().Add(-3 * time.Minute)},
			{Kind: "model", Name: "cells", Bytes: 20_496, LastUsed: time.Now(), InUse: true},
			{Kind: "activations", Name: "efficientnet_lite0/behind-top#2", Bytes: 999, Disk: 10_150_000_000, LastUsed: time.Now().Add(-90 * time.Second)},
		},
		Resident: 812_000_000, Backend: "xla:cpu", Compilations: 1, Activations: 11_200_000_000, ActivationsLimit: 20_000_000_000,
	}
	golden(t, "held", h.String())
	if text := (Held{Resident: 20_000_000}).String(); !strings.HasPrefix(text, "the engine holds nothing\n") || !strings.Contains(text, "20.0 MB; no backend yet; 0 graphs compiled") {
		t.Error(text)
	}
	h.Items[1].Session = "one"
	h.Items = append(h.Items, Holding{Kind: "model", Name: "cells", Session: "two"})
	if text := h.String(); !strings.Contains(text, "session") || !strings.Contains(text, "two") {
		t.Error(text)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "–", 1: "1 B", 999: "999 B", 1000: "1.00 kB", 9_994: "9.99 kB", 9_996: "10.0 kB", 99_960: "100 kB",
		999_600: "1.00 MB", 123_456_789: "123 MB", 2_500_000_000: "2.50 GB", 1_234_000_000_000: "1.2 TB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "now", 0: "now", 61 * time.Second: "61 s ago", 5 * time.Minute: "5 min ago",
		119 * time.Minute: "119 min ago", 3 * time.Hour: "3 h ago", 72 * time.Hour: "3 days ago"} {
		if got := ago(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
