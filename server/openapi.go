package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"holdfast/api"
)

// openAPI answers with the document, which is made once.
func openAPI(*Server, *call) (any, error) {
	text, err := described()
	return json.RawMessage(text), err
}

var described = sync.OnceValues(OpenAPI)

// OpenAPI is the OpenAPI 3.1 document of the routes, made from their types.
func OpenAPI() ([]byte, error) {
	types := huma.NewMapRegistry("#/components/schemas/", schemaName)
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "holdfast", Version: "1",
			Description: "The network of a host: what it is, what it should be, and how it gets there.",
		},
		Components: &huma.Components{Schemas: types},
		Paths:      map[string]*huma.PathItem{},
	}
	for _, route := range api.Routes() {
		item := doc.Paths[route.Path]
		if item == nil {
			item = &huma.PathItem{}
			doc.Paths[route.Path] = item
		}
		operation := operation(types, &route)
		switch route.Method {
		case http.MethodGet:
			item.Get = operation
		case http.MethodPost:
			item.Post = operation
		case http.MethodDelete:
			item.Delete = operation
		default:
			panic("internal error: no place for the method " + route.Method)
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// operation describes one route.
func operation(types huma.Registry, route *api.Route) *huma.Operation {
	o := &huma.Operation{
		OperationID: route.ID, Summary: route.Summary,
		Description: "Needs the right to " + string(route.Right) + ".",
		Responses:   map[string]*huma.Response{},
	}
	for segment := range strings.SplitSeq(route.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			o.Parameters = append(o.Parameters, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	for _, q := range route.Query {
		o.Parameters = append(o.Parameters, parameter(q))
	}
	if route.Request != nil {
		o.RequestBody = &huma.RequestBody{Required: true, Content: content(types, "application/json", route.Request)}
	}
	switch {
	case route.Stream:
		o.Responses["200"] = &huma.Response{
			Description: "A line for each event; the last has a result or an error.", Content: content(types, "application/x-ndjson", route.Answer),
		}
	case route.Answer != nil:
		o.Responses["200"] = &huma.Response{Description: "Done.", Content: content(types, "application/json", route.Answer)}
	case route.Method == http.MethodGet:
		o.Responses["200"] = &huma.Response{Description: "A document.", Content: map[string]*huma.MediaType{"application/json": {}}}
	default:
		o.Responses[strconv.Itoa(http.StatusNoContent)] = &huma.Response{Description: "Done."}
	}
	o.Responses["default"] = &huma.Response{Description: "A failure.", Content: content(types, "application/json", api.Failure{})}
	return o
}

func parameter(q api.Parameter) *huma.Param {
	p := &huma.Param{Name: q.Name, In: "query", Description: q.About, Schema: &huma.Schema{Type: huma.TypeString}}
	switch {
	case q.Flag:
		p.Schema = &huma.Schema{Type: huma.TypeBoolean}
	case q.Repeated:
		p.Schema = &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}
	}
	return p
}

func content(types huma.Registry, kind string, body any) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{kind: {Schema: types.Schema(reflect.TypeOf(body), true, "")}}
}

// schemaName names a type; those of other packages than api by their package,
// too, since some are called alike.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if path := t.PkgPath(); path != "" && path != reflect.TypeFor[api.Route]().PkgPath() {
		at := path[strings.LastIndex(path, "/")+1:]
		return strings.ToUpper(at[:1]) + at[1:] + name
	}
	return name
}
