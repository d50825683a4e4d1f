//! Which SIMs may take a message, by what it is: the first route that fits names a pool. Without one every SIM may. Pure: the
//! store asks when it takes a message on, and again for all that waits when the routes changed.

use alloc::string::String;
use alloc::vec::Vec;

use super::lane::Way;
use super::state::Category;
use crate::base::PhoneNumber;

/// A route. What a list does not name does not matter to it; an empty list takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Beginnings of numbers in E.164 form, as `+35387`.
    pub prefixes: Vec<String>,
    /// Names of services.
    pub services: Vec<String>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Where it leads.
    pub way: Way,
}

impl Route {
    /// Whether a message to this number, of this service and category, goes this way.
    #[must_use]
    pub fn fits(&self, recipient: &PhoneNumber, service: &str, category: Option<Category>) -> bool {
        let number = recipient.as_e164();
        let any = |wanted: bool, found: bool| !wanted || found;
        any(
            !self.prefixes.is_empty(),
            self.prefixes.iter().any(|prefix| number.starts_with(prefix.as_str())),
        ) && any(
            !self.services.is_empty(),
            self.services.iter().any(|name| name == service),
        ) && any(
            !self.categories.is_empty(),
            category.is_some_and(|category| self.categories.contains(&category)),
        )
    }
}

/// Where a message goes: the first route that fits, else every SIM.
#[must_use]
pub fn way(routes: &[Route], recipient: &PhoneNumber, service: &str, category: Option<Category>) -> Way {
    let first = routes.iter().find(|route| route.fits(recipient, service, category));
    first.map_or(Way::Any, |route| route.way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::lane::PoolId;
    use std::vec;

    fn pool(name: &str) -> Way {
        Way::Pool(PoolId::of(name))
    }

    #[test]
    fn the_first_route_that_fits_in_all_it_names_wins() {
        let routes = [
            Route {
                services: vec!["opd".into()],
                prefixes: vec!["+35387".into(), "+35386".into()],
                way: pool("a"),
                ..Route::default()
            },
            Route {
                categories: vec![Category::StaffAlert],
                way: pool("b"),
                ..Route::default()
            },
            Route {
                services: vec!["opd".into()],
                way: pool("c"),
                ..Route::default()
            },
        ];
        let of = |number: &str, service: &str, category| {
            way(&routes, &PhoneNumber::from_e164(number).unwrap(), service, category)
        };
        assert_eq!(of("+353861234567", "opd", None), pool("a"));
        assert_eq!(of("+353861234567", "opd", Some(Category::StaffAlert)), pool("a"));
        assert_eq!(of("+353851234567", "opd", Some(Category::StaffAlert)), pool("b"));
        assert_eq!(of("+353851234567", "opd", Some(Category::Otp)), pool("c"));
        assert_eq!(of("+353861234567", "lab", None), Way::Any);
    }
}
