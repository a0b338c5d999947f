package weights

import (
	"bytes"
	"errors"
	"fmt"
)

// HDF5, as far as Keras needs it: groups and contiguous arrays of numbers ("HDF5 File Format Specification Version 3.0", The HDF Group; the
// sections are named below). What h5py writes by default since its first version is read; chunks, compression, links to elsewhere and
// groups that are indexed by a fractal heap are refused by name.
//
// Why not a library: github.com/scigolib/hdf5 v0.14.0 (MIT), the one that is maintained, reads these files, but takes lengths from
// them as they come: 8 altered bytes of a heap's size or a shape make it allocate any amount, which ends the process and cannot be
// recovered from; groups that share an index lose their members without an error; the shape of a dataset is not to be had from its API.
// To check all that before it starts is to walk over the same structures, and whoever does has read the file.

const (
	hdf5Signature = "\x89HDF\r\n\x1a\n"
	maxGroups     = 32 // groups within groups; a Keras model in a model in a model has 9
	undefined     = ^uint64(0)
)

// hdf5File walks over a file in memory. Every byte it looks at is counted, so that structures that point at each other in circles, or
// share their bytes, end with an error and not with the machine's patience.
type hdf5File struct {
	data []byte
	base uint64          // what addresses count from
	work int             // bytes that may still be looked at
	seen map[uint64]bool // headers of objects: each is one object
}

// dataset is an array in the file.
type dataset struct {
	path  string // from the root, "model_weights/conv1/conv1/kernel:0"
	owner string // what the group that it lies in is called by its attribute "name": Keras 3 says a layer's name there; "" without one
	shape []int
	class storageClass
	raw   []byte // the numbers; not copied
	what  string // why it holds no numbers that are read, a text for example; "" where it does
}

// hdf5Datasets lists the arrays of an HDF5 file.
func hdf5Datasets(data []byte) ([]dataset, error) {
	f := &hdf5File{data: data, work: 8*len(data) + 1<<16, seen: map[uint64]bool{}}
	root, err := f.superblock()
	if err != nil {
		return nil, err
	}
	return f.object(nil, "", "", root, 0)
}

// superblock is section II.A; it returns the address of the root group's header.
func (f *hdf5File) superblock() (uint64, error) {
	const fixed = 9
	if len(f.data) < fixed {
		return 0, errors.New("it ends in its first block")
	}
	offset, base, root := 13, 24, 24+5*8 // of the sizes, of the base address, and of the root group's address
	switch version := f.data[8]; version {
	case 0:
	case 1:
		base, root = base+4, root+4
	case 2, 3:
		offset, base, root = 9, 12, 12+3*8
	default:
		return 0, fmt.Errorf("version %d of its first block, want 0 to 3", version)
	}
	first, err := f.take(0, uint64(root+8))
	if err != nil {
		return 0, err
	}
	if first[offset] != 8 || first[offset+1] != 8 {
		return 0, fmt.Errorf("addresses of %d and lengths of %d bytes, want 8", first[offset], first[offset+1])
	}
	f.base = little.Uint64(first[base:])
	return little.Uint64(first[root:]), nil
}

// take is n bytes at an address.
func (f *hdf5File) take(address, n uint64) ([]byte, error) {
	at, size := f.base+address, uint64(len(f.data))
	if at < address || at > size || n > size-at {
		return nil, fmt.Errorf("%d bytes at address %d lie beyond the end of the file, at %d", n, address, size)
	}
	if n > uint64(f.work) {
		return nil, errors.New("its structures overlap or form a circle")
	}
	f.work -= int(n)
	return f.data[at : at+n : at+n], nil
}

// signed is n bytes that begin with a signature.
func (f *hdf5File) signed(signature string, address, n uint64) ([]byte, error) {
	b, err := f.take(address, n)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(b, []byte(signature)) {
		return nil, fmt.Errorf("no %s at address %d", signature, address)
	}
	return b, nil
}

// object appends the datasets of the object whose header is at an address: itself, or those of a group's members. owner is the name that the
// group gives itself in which it lies.
func (f *hdf5File) object(found []dataset, path, owner string, address uint64, depth int) ([]dataset, error) {
	if f.seen[address] {
		return nil, fmt.Errorf("%.200q is another object, too: links of one object by two names are not read", path)
	}
	f.seen[address] = true
	if depth > maxGroups || len(path) > 1<<12 {
		return nil, fmt.Errorf("groups more than %d deep", maxGroups)
	}
	messages, err := f.header(address)
	if err != nil {
		return nil, fmt.Errorf("%.200q: %w", "/"+path, err)
	}
	links, isGroup, err := f.members(messages)
	if err != nil {
		return nil, fmt.Errorf("group %.200q: %w", "/"+path, err)
	}
	if !isGroup {
		d, isDataset, err := f.dataset(messages)
		if err != nil {
			return nil, fmt.Errorf("dataset %.200q: %w", path, err)
		}
		if isDataset {
			d.path, d.owner = path, owner
			found = append(found, d)
		}
		return found, nil // what is neither is a named type
	}
	owner = f.nameOf(messages)
	for _, l := range links {
		inside := l.name
		if path != "" {
			inside = path + "/" + l.name
		}
		if f.work -= len(inside); f.work < 0 {
			return nil, errors.New("its names are longer than the file")
		}
		if found, err = f.object(found, inside, owner, l.address, depth+1); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// link is a member of a group.
type link struct {
	name    string
	address uint64
}

// members lists a group's members; isGroup is false where the messages are not those of a group.
func (f *hdf5File) members(messages []message) (links []link, isGroup bool, err error) {
	for _, m := range messages {
		switch m.kind {
		case messageSymbolTable: // section IV.A.2.r: addresses of the index and of the names
			if len(m.body) < 16 {
				return nil, false, errors.New("its symbol table is cut off")
			}
			links, err = f.oldGroup(little.Uint64(m.body), little.Uint64(m.body[8:]))
			return links, true, err
		case messageLinkInfo: // section IV.A.2.c: a fractal heap where the links are many
			isGroup = true
			if heap, err := linkHeap(m.body); err != nil || heap != undefined {
				return nil, false, errors.Join(err, errors.New("its members are indexed by a fractal heap, which is not read"))
			}
		case messageLink:
			l, err := hardLink(m.body)
			if err != nil {
				return nil, false, err
			}
			links = append(links, l)
		}
	}
	return links, isGroup, nil
}

// oldGroup is a group in the layout before HDF5 1.8, which h5py writes: sections III.A.1, III.B and III.D.
func (f *hdf5File) oldGroup(tree, heap uint64) ([]link, error) {
	h, err := f.signed("HEAP", heap, 32)
	if err != nil {
		return nil, err
	}
	names, err := f.take(little.Uint64(h[24:]), little.Uint64(h[8:]))
	if err != nil {
		return nil, fmt.Errorf("its names: %w", err)
	}
	return f.tree(nil, tree, names, 256)
}

// tree appends the members that a node of the index holds. Each level must be below the one before it.
func (f *hdf5File) tree(links []link, address uint64, names []byte, above int) ([]link, error) {
	node, err := f.signed("TREE", address, 24)
	if err != nil {
		return nil, err
	}
	level, entries := int(node[5]), int(little.Uint16(node[6:]))
	if node[4] != 0 || level >= above {
		return nil, fmt.Errorf("no index of a group at address %d", address)
	}
	children, err := f.take(address+24, uint64(16*entries)) // a key, which is not needed, and an address
	if err != nil {
		return nil, err
	}
	for i := range entries {
		child := little.Uint64(children[16*i+8:])
		if level > 0 {
			links, err = f.tree(links, child, names, level)
		} else {
			links, err = f.symbols(links, child, names)
		}
		if err != nil {
			return nil, err
		}
	}
	return links, nil
}

// symbols appends the members of one node of the symbol table.
func (f *hdf5File) symbols(links []link, address uint64, names []byte) ([]link, error) {
	const entry = 40
	node, err := f.signed("SNOD", address, 8)
	if err != nil {
		return nil, err
	}
	n := int(little.Uint16(node[6:]))
	entries, err := f.take(address+8, uint64(entry*n))
	if err != nil {
		return nil, err
	}
	for e := range n {
		at, kind := little.Uint64(entries[entry*e:]), little.Uint32(entries[entry*e+16:])
		if at >= uint64(len(names)) {
			return nil, fmt.Errorf("a name at %d, where the names have %d bytes", at, len(names))
		}
		end := bytes.IndexByte(names[at:], 0)
		if end < 1 {
			return nil, errors.New("a name without an end")
		}
		if f.work -= end; f.work < 0 {
			return nil, errors.New("its names are longer than the file")
		}
		name := string(names[at : at+uint64(end)])
		if kind == 2 {
			return nil, fmt.Errorf("%.100q is a link to elsewhere, which is not read", name)
		}
		links = append(links, link{name, little.Uint64(entries[entry*e+8:])})
	}
	return links, nil
}
