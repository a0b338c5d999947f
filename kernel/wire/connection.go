package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Connection is the content of a connection file: where a kernel listens and the key that signs its messages.
// Over "ipc", IP is a path prefix and the sockets are IP-1 … IP-5.
type Connection struct {
	Transport  string `json:"transport"` // "tcp" or "ipc"
	IP         string `json:"ip"`
	Shell      int    `json:"shell_port"`
	IOPub      int    `json:"iopub_port"`
	Stdin      int    `json:"stdin_port"`
	Control    int    `json:"control_port"`
	Heartbeat  int    `json:"hb_port"`
	Key        string `json:"key"` // "" switches signatures off
	Scheme     string `json:"signature_scheme"`
	KernelName string `json:"kernel_name,omitempty"`
}

// ParseConnection reads a connection file's content and refuses what could not be connected to.
func ParseConnection(data []byte) (Connection, error) {
	var c Connection
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("wire: parse connection file: %w", err)
	}
	if c.Transport != "tcp" && c.Transport != "ipc" {
		return c, fmt.Errorf("wire: parse connection file: transport %q (have tcp, ipc)", c.Transport)
	}
	if c.IP == "" {
		return c, fmt.Errorf("wire: parse connection file: no ip")
	}
	if c.Scheme != "" && c.Scheme != "hmac-sha256" {
		return c, fmt.Errorf("wire: parse connection file: signature_scheme %q (have hmac-sha256)", c.Scheme)
	}
	for _, port := range []int{c.Shell, c.IOPub, c.Stdin, c.Control, c.Heartbeat} {
		if port < 1 || port > 65535 {
			return c, fmt.Errorf("wire: parse connection file: port %d is not in 1…65535", port)
		}
	}
	return c, nil
}

// Address returns network and address of one of c's ports in the form that net.Dial takes.
func (c Connection) Address(port int) (network, address string) {
	if c.Transport == "ipc" {
		return "unix", c.IP + "-" + strconv.Itoa(port)
	}
	return "tcp", c.IP + ":" + strconv.Itoa(port)
}
