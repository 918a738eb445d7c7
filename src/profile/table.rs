//! The table of mechanisms as Markdown.

use super::Profile;

const HEAD: &str = "\
| mechanism | address | verbs | both ways | a message goes to | writers | boundary | largest message \
| can be lost | unread, it outlives | its sender's end is told | in this version |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// Rows in the order given, below a head.
pub(super) fn markdown(profiles: &[Profile]) -> String {
    let mut table = HEAD.to_owned();
    for profile in profiles {
        table.push_str(&row(profile));
    }
    table
}

fn row(profile: &Profile) -> String {
    let addresses: Vec<_> = profile.addresses.iter().map(|text| format!("`{text}`")).collect();
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        profile.scheme,
        if addresses.is_empty() { "none".into() } else { addresses.join(" ") },
        profile.verbs.join(", "),
        if profile.duplex { "yes" } else { "no" },
        profile.reach,
        profile.writers,
        profile.boundary,
        profile.max_len,
        profile.loss.unwrap_or("no"),
        profile.survives,
        if profile.tells_end { "yes" } else { "no" },
        profile.built,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_breaks_the_table() {
        let table = markdown(Profile::all());
        let columns = HEAD.lines().next().map(|head| head.matches('|').count());
        for line in table.lines() {
            assert_eq!(Some(line.matches('|').count()), columns, "{line}");
            assert!(line.starts_with('|') && line.ends_with('|'), "{line}");
        }
        assert_eq!(table.lines().count(), Profile::all().len() + 2);
    }

    #[test]
    fn what_has_no_address_says_so() {
        let table = markdown(Profile::all());
        assert!(table.contains("| `pipe` | none |"));
    }
}
