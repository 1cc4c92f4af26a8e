//go:build !unix

package host_test

func maxResident(any) int64 { return 0 }
