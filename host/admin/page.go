package admin

import (
	"net/http"
	"slices"
	"strconv"
)

const (
	// defaultPage is the number of items of a page without a limit.
	defaultPage = 100
	// maxPage is the largest limit of a page.
	maxPage = 1000
)

// pageParams returns the query parameters after and limit: the item that the page begins after, "" for the first page,
// and the largest number of its items.
func pageParams(r *http.Request) (after string, limit int, err error) {
	if err := checkNotEmpty(r, "after", "the first page"); err != nil {
		return "", 0, err
	}
	query := r.URL.Query()
	limit = defaultPage
	if query.Has("limit") {
		text := query.Get("limit")
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage || text != strconv.Itoa(limit) {
			return "", 0, badRequest("limit is %q: want a number from 1 to %d", text, maxPage)
		}
	}
	return query.Get("after"), limit, nil
}

// list is a list, or a page of one.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the parameter after of the next page; empty for the last page
}

// pageOf returns the page with the first limit items. An item beyond them shows that there is a next page. name
// returns the parameter after of the page that begins after an item.
func pageOf[T any](items []T, limit int, name func(T) string) list[T] {
	if items == nil {
		items = []T{} // not null in JSON
	}
	if len(items) <= limit {
		return list[T]{Items: items}
	}
	return list[T]{Items: items[:limit], Next: name(items[limit-1])}
}

// itemsAfter returns the sorted items that follow after.
func itemsAfter(items []string, after string) []string {
	i, found := slices.BinarySearch(items, after)
	if found {
		i++
	}
	return items[i:]
}
