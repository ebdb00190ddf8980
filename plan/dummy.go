package plan

// dummyKind has no section: MAC and MTU are everybody's.
var dummyKind = kind{makes: true}
