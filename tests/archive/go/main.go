// Reads a published log with Go's own sumdb/note and sumdb/tlog: signature, tree from the tiles, each leaf, proofs.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(err error) {
	if err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
}

// tilePath spells tile names as C2SP tlog-tiles does: without the height.
func tilePath(t tlog.Tile) string {
	parts := strings.Split(t.Path(), "/")
	if t.L == -1 {
		return "tile/entries/" + strings.Join(parts[3:], "/")
	}
	return "tile/" + strings.Join(parts[2:], "/")
}

type reader struct{ root string }

func (r reader) Height() int                                { return 8 }
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(r.root, tilePath(t)))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// proofFile is what `baoguan prove` writes; []byte is base64 in JSON.
type proofFile struct {
	Index      int64    `json:"index"`
	Checkpoint string   `json:"checkpoint"`
	Proof      [][]byte `json:"proof"`
	Leaf       string   `json:"leaf"`
	Line       string   `json:"line"`
	Record     []byte   `json:"record"`
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// checkProof judges a proof file: signature, inclusion, commitment, record.
func checkProof(path, vkey string) {
	data, err := os.ReadFile(path)
	fail(err)
	var p proofFile
	fail(json.Unmarshal(data, &p))
	verifier, err := note.NewVerifier(vkey)
	fail(err)
	n, err := note.Open([]byte(p.Checkpoint), note.VerifierList(verifier))
	fail(err)
	lines := strings.Split(n.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	root, err := tlog.ParseHash(lines[2])
	fail(err)
	var proof tlog.RecordProof
	for _, hash := range p.Proof {
		var one tlog.Hash
		copy(one[:], hash)
		proof = append(proof, one)
	}
	fail(tlog.CheckRecord(proof, size, root, p.Index, tlog.RecordHash([]byte(p.Leaf))))
	var leaf struct {
		C string `json:"c"`
	}
	fail(json.Unmarshal([]byte(p.Leaf), &leaf))
	if digest([]byte(p.Line)) != leaf.C {
		fail(fmt.Errorf("line isn't what the leaf commits to"))
	}
	var line struct {
		Record struct {
			Sha256 string `json:"sha256"`
		} `json:"record"`
	}
	fail(json.Unmarshal([]byte(p.Line), &line))
	if digest(p.Record) != line.Record.Sha256 {
		fail(fmt.Errorf("record isn't what the line names"))
	}
	fmt.Println("OK", p.Index, size)
}

func main() {
	if os.Args[1] == "-proof" {
		checkProof(os.Args[2], os.Args[3])
		return
	}
	root, vkey, old := os.Args[1], os.Args[2], os.Args[3]
	verifier, err := note.NewVerifier(vkey)
	fail(err)
	msg, err := os.ReadFile(filepath.Join(root, "checkpoint"))
	fail(err)
	n, err := note.Open(msg, note.VerifierList(verifier))
	fail(err)
	lines := strings.Split(n.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	hash, err := tlog.ParseHash(lines[2])
	fail(err)
	tree := tlog.Tree{N: size, Hash: hash}
	hashes := tlog.TileHashReader(tree, reader{root})
	got, err := tlog.TreeHash(size, hashes)
	fail(err)
	if got != hash {
		fail(fmt.Errorf("root differs"))
	}
	checkLeaves(root, size, hash, hashes)
	if old != "" {
		parts := strings.SplitN(old, ":", 2)
		before, err := strconv.ParseInt(parts[0], 10, 64)
		fail(err)
		beforeHash, err := tlog.ParseHash(parts[1])
		fail(err)
		proof, err := tlog.ProveTree(size, before, hashes)
		fail(err)
		fail(tlog.CheckTree(proof, size, hash, before, beforeHash))
	}
	fmt.Println("OK", size)
}

func checkLeaves(root string, size int64, hash tlog.Hash, hashes tlog.HashReader) {
	for start := int64(0); start < size; start += 256 {
		width := size - start
		if width > 256 {
			width = 256
		}
		t := tlog.Tile{H: 8, L: -1, N: start / 256, W: int(width)}
		data, err := os.ReadFile(filepath.Join(root, tilePath(t)))
		fail(err)
		for i := start; i < start+width; i++ {
			n := binary.BigEndian.Uint16(data)
			leaf := data[2 : 2+n]
			data = data[2+n:]
			want := tlog.RecordHash(leaf)
			got, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
			fail(err)
			if got[0] != want {
				fail(fmt.Errorf("leaf %d differs", i))
			}
			if i%61 == 0 || i == size-1 {
				proof, err := tlog.ProveRecord(size, i, hashes)
				fail(err)
				fail(tlog.CheckRecord(proof, size, hash, i, want))
			}
		}
		if len(data) != 0 {
			fail(fmt.Errorf("bytes after the last entry"))
		}
	}
}
