package count

import "fmt"

// window moves over an image. Its zeros mean what they mean in Conv.
type window struct {
	kernel, kernelWidth, stride, dilation int
	padding                               Padding
	border                                Border
}

func (w window) width() int {
	if w.kernelWidth == 0 {
		return w.kernel
	}
	return w.kernelWidth
}

// String is "3×3", with " /2" for a stride and ", dilation 2".
func (w window) String() string {
	text := fmt.Sprintf("%d×%d", w.kernel, w.width())
	if w.stride > 1 {
		text += fmt.Sprintf(" /%d", w.stride)
	}
	if w.dilation > 1 {
		text += fmt.Sprintf(", dilation %d", w.dilation)
	}
	return text
}

func (w window) check() error {
	switch b := w.border; {
	case w.kernel < 1 || w.width() < 1:
		return fmt.Errorf("kernel %s, want at least 1", w.side())
	case w.stride < 0:
		return fmt.Errorf("stride %d, want at least 1 (0 is 1)", w.stride)
	case w.dilation < 0:
		return fmt.Errorf("dilation %d, want at least 1 (0 is 1)", w.dilation)
	case w.padding < Same || w.padding > Explicit:
		return fmt.Errorf("padding %d, want Same, Valid or Explicit", w.padding)
	case min(b.Top, b.Bottom, b.Left, b.Right) < 0:
		return fmt.Errorf("border %+v, want 0 or more on each side", b)
	case w.padding != Explicit && b != Border{}:
		return fmt.Errorf("border %+v with a padding that is not Explicit", b)
	}
	return nil
}

func (w window) side() string {
	if w.kernelWidth == 0 {
		return fmt.Sprint(w.kernel)
	}
	return fmt.Sprintf("%d×%d", w.kernel, w.kernelWidth)
}

// reach is how far the kernel stretches, dilation included.
func (w window) reach() (high, wide int, err error) {
	dilation := max(w.dilation, 1)
	if high, err = product(w.kernel-1, dilation); err == nil {
		high, err = add(high, 1)
	}
	if err != nil {
		return 0, 0, err
	}
	if wide, err = product(w.width()-1, dilation); err == nil {
		wide, err = add(wide, 1)
	}
	return high, wide, err
}

// over is the size of the window's output.
func (w window) over(input []int) (high, wide int, err error) {
	if err := w.check(); err != nil {
		return 0, 0, err
	}
	stride := max(w.stride, 1)
	if w.padding == Same {
		return (input[0]-1)/stride + 1, (input[1]-1)/stride + 1, nil
	}
	reachH, reachW, err := w.reach()
	if err != nil {
		return 0, 0, err
	}
	roomH, err := add(input[0], w.border.Top, w.border.Bottom)
	if err != nil {
		return 0, 0, err
	}
	roomW, err := add(input[1], w.border.Left, w.border.Right)
	if err != nil {
		return 0, 0, err
	}
	if reachH > roomH || reachW > roomW {
		text := fmt.Sprintf("kernel %d×%d is larger than its input %s", reachH, reachW, shapeText(input))
		if w.padding == Explicit {
			text += fmt.Sprintf(" with its border, %d×%d", roomH, roomW)
		}
		return 0, 0, fmt.Errorf("%s", text)
	}
	return (roomH-reachH)/stride + 1, (roomW-reachW)/stride + 1, nil
}
