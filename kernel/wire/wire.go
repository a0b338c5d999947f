// Package wire is Jupyter's message format without its transport: a message is a list of frames
//
//	identity… "<IDS|MSG>" signature header parent metadata content buffer…
//
// where the signature is the hex HMAC-SHA256 of the four JSON frames that follow it
// (https://jupyter-client.readthedocs.io/en/latest/messaging.html#the-wire-protocol).
// It reads and writes these frames and the connection file; sockets live in package kernel.
package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ProtocolVersion is the version of the messaging protocol that New writes into headers.
const ProtocolVersion = "5.4"

// User is the username that New writes into headers.
const User = "tlab"

// delimiter separates the routing prefix from the message.
const delimiter = "<IDS|MSG>"

// ErrSignature is returned, wrapped, by Parse for a message that was not signed with the session's key.
var ErrSignature = errors.New("wrong signature")

// Header names a message and its sender.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	User     string `json:"username"`
	Date     string `json:"date"` // RFC 3339
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
	Subshell string `json:"subshell_id,omitempty"` // JEP 91; "" is the main shell
}

// Message is one Jupyter message. The zero value of Metadata and Content is written as {}.
type Message struct {
	Identities [][]byte // ZeroMQ routing prefix; on iopub it is the topic
	Header     Header
	Parent     Header // the zero Header is written as {}
	Metadata   json.RawMessage
	Content    json.RawMessage
	Buffers    [][]byte // binary attachments, unsigned by the protocol
}

// New returns a message of the given type from session, with a fresh id and the present time.
// content is marshalled to JSON; nil gives {}.
func New(session, msgType string, content any) (*Message, error) {
	m := &Message{Header: Header{
		ID: NewID(), Session: session, User: User, Date: time.Now().UTC().Format(time.RFC3339Nano),
		Type: msgType, Version: ProtocolVersion,
	}}
	if content == nil {
		return m, nil
	}
	data, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("wire: new %s: %w", msgType, err)
	}
	m.Content = data
	return m, nil
}

// NewID returns a random UUID (version 4), as Jupyter uses for message and session ids.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Sign returns the hex HMAC-SHA256 of parts under key, or nothing when key is empty: Jupyter's way to switch signing off.
func Sign(key []byte, parts ...[]byte) []byte {
	if len(key) == 0 {
		return []byte{}
	}
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// Frames returns m as signed frames, ready to be sent as one multipart message.
func (m *Message) Frames(key []byte) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("wire: write %s: %w", m.Header.Type, err)
	}
	parent := []byte("{}")
	if m.Parent != (Header{}) {
		if parent, err = json.Marshal(m.Parent); err != nil {
			return nil, fmt.Errorf("wire: write %s: %w", m.Header.Type, err)
		}
	}
	metadata, content := orEmpty(m.Metadata), orEmpty(m.Content)
	for _, part := range [][]byte{metadata, content} {
		if !json.Valid(part) {
			return nil, fmt.Errorf("wire: write %s: metadata or content is not JSON", m.Header.Type)
		}
	}
	frames := make([][]byte, 0, len(m.Identities)+6+len(m.Buffers))
	frames = append(frames, m.Identities...)
	frames = append(frames, []byte(delimiter), Sign(key, header, parent, metadata, content), header, parent, metadata, content)
	return append(frames, m.Buffers...), nil
}

func orEmpty(raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// Parse reads one message from frames and checks its signature with key (an empty key checks nothing).
// It keeps references to frames. The error wraps ErrSignature when the message is well-formed but not ours.
func Parse(frames [][]byte, key []byte) (*Message, error) {
	at := -1
	for i, f := range frames {
		if string(f) == delimiter {
			at = i
			break
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("wire: parse: no %s among %d frames", delimiter, len(frames))
	}
	rest := frames[at+1:]
	if len(rest) < 5 {
		return nil, fmt.Errorf("wire: parse: %d frames after %s, want at least 5", len(rest), delimiter)
	}
	if len(key) > 0 && !hmac.Equal(Sign(key, rest[1:5]...), bytes.ToLower(rest[0])) {
		return nil, fmt.Errorf("wire: parse: %w", ErrSignature)
	}
	m := &Message{Identities: frames[:at], Metadata: rest[3], Content: rest[4], Buffers: rest[5:]}
	if err := object(rest[1], &m.Header); err != nil {
		return nil, fmt.Errorf("wire: parse header: %w", err)
	}
	if m.Header.Type == "" {
		return nil, errors.New("wire: parse header: no msg_type")
	}
	if err := object(rest[2], &m.Parent); err != nil {
		return nil, fmt.Errorf("wire: parse parent header: %w", err)
	}
	for i, name := range []string{"metadata", "content"} {
		var any map[string]json.RawMessage
		if err := object(rest[3+i], &any); err != nil {
			return nil, fmt.Errorf("wire: parse %s: %w", name, err)
		}
	}
	return m, nil
}

// object decodes a JSON object. JSON's null and the empty frame, which some kernels send for "nothing", are refused:
// encoding/json would take null for any target and leave us with an object that the sender did not write.
func object(data []byte, into any) error {
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return errors.New("not a JSON object")
	}
	return json.Unmarshal(data, into)
}

// Decode unmarshals the content into v, a pointer.
func (m *Message) Decode(v any) error {
	if err := json.Unmarshal(orEmpty(m.Content), v); err != nil {
		return fmt.Errorf("wire: decode %s: %w", m.Header.Type, err)
	}
	return nil
}
