package main

// edges: what is on the way in and out of a service.
func edges() []mutant {
	return []mutant{
		{"the address of a webhook is not logged", "services/moderator/webhook.go",
			`web.WithoutURL(err)`, `err`,
			tests("services/moderator", []string{"TestAnAddressIsNotLogged"})},
	}
}
