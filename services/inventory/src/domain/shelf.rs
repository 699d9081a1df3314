//! The shelves of one batch: what was read under the locks, less what the batch has given away.
//! An order takes all its lines or none, so nothing is taken before all of it is known to be there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::line::{Line, Placement, sum_by_row};
use super::names::{LocationId, Sku, StockKey};
use super::record::Shortage;

/// What is left of every SKU that a batch asks for.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    shelves: HashMap<Sku, Vec<Spot>>,
    unknown: HashSet<Sku>,
    contested: HashMap<Sku, HashSet<LocationId>>,
}

/// One stock row.
#[derive(Debug)]
struct Spot {
    location_id: LocationId,
    left: i64,
    taken: i64,
    version: i64,
}

/// What one order asks for of one SKU.
#[derive(Debug, Default)]
struct Demand<'a> {
    pinned: BTreeMap<&'a LocationId, i64>,
    free: i64,
}

/// Units to take from one spot of a SKU.
#[derive(Debug, Clone, Copy)]
struct Part {
    spot: usize,
    quantity: i64,
    /// Whether the service, not the line, chose another location than the default one.
    elsewhere: bool,
}

impl Shelves {
    /// Puts what a locked stock row has available.
    pub(crate) fn put(&mut self, key: StockKey, available: i64, version: i64) {
        let spot = Spot {
            location_id: key.location_id,
            left: available,
            taken: 0,
            version,
        };
        self.shelves.entry(key.sku).or_default().push(spot);
    }

    /// Notes a stock row that is there and that somebody else holds.
    pub(crate) fn contest(&mut self, key: StockKey) {
        self.contested
            .entry(key.sku)
            .or_default()
            .insert(key.location_id);
    }

    /// Notes a SKU that was never put.
    pub(crate) fn mark_unknown(&mut self, sku: Sku) {
        self.unknown.insert(sku);
    }

    /// Whether no stock row of the SKU was seen, locked or contested.
    pub(crate) fn is_bare(&self, sku: &Sku) -> bool {
        !self.shelves.contains_key(sku) && !self.contested.contains_key(sku)
    }

    /// Whether a line needs a stock row that somebody else holds.
    pub(crate) fn is_contested(&self, lines: &[Line]) -> bool {
        !self.contested.is_empty()
            && lines.iter().any(
                |line| match (&line.location_id, self.contested.get(&line.sku)) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(location_id), Some(contested)) => contested.contains(location_id),
                },
            )
    }

    /// The SKUs of the lines that were never put, each once, by name.
    pub(crate) fn unknown(&self, lines: &[Line]) -> Vec<Sku> {
        if self.unknown.is_empty() {
            return Vec::new();
        }
        let mut skus: Vec<_> = lines
            .iter()
            .filter(|line| self.unknown.contains(&line.sku))
            .map(|line| line.sku.clone())
            .collect();
        skus.sort_unstable();
        skus.dedup();
        skus
    }

    /// Takes all the lines, or none. Lines that name a location are served there first; of the
    /// others the location with the most left gives, then the next one.
    ///
    /// Gives where the units are if that is not where each line named, or the default location.
    ///
    /// # Errors
    /// Every shortage, by SKU; nothing was taken.
    pub(crate) fn take(&mut self, lines: &[Line]) -> Result<Option<Vec<Placement>>, Vec<Shortage>> {
        let mut demands: BTreeMap<&Sku, Demand<'_>> = BTreeMap::new();
        for line in lines {
            let demand = demands.entry(&line.sku).or_default();
            match &line.location_id {
                Some(location_id) => {
                    *demand.pinned.entry(location_id).or_default() += line.quantity;
                }
                None => demand.free += line.quantity,
            }
        }
        let mut plans = Vec::with_capacity(demands.len());
        let mut shortages = Vec::new();
        for (sku, demand) in demands {
            let spots = self.shelves.get(sku).map(Vec::as_slice).unwrap_or_default();
            match plan(sku, &demand, spots) {
                Ok(parts) => plans.push((sku, parts)),
                Err(short) => shortages.extend(short),
            }
        }
        if !shortages.is_empty() {
            return Err(shortages);
        }
        Ok(self.carry_out(&plans))
    }

    fn carry_out(&mut self, plans: &[(&Sku, Vec<Part>)]) -> Option<Vec<Placement>> {
        let mut elsewhere = false;
        for (sku, parts) in plans {
            let spots = self
                .shelves
                .get_mut(*sku)
                .expect("a plan takes from spots that are there");
            for part in parts {
                let spot = &mut spots[part.spot];
                assert!(
                    spot.left >= part.quantity,
                    "I3: a plan takes no more than is left"
                );
                spot.left -= part.quantity;
                spot.taken += part.quantity;
                elsewhere |= part.elsewhere;
            }
        }
        elsewhere.then(|| {
            sum_by_row(plans.iter().flat_map(|(sku, parts)| {
                let spots = &self.shelves[*sku];
                parts.iter().map(|part| Placement {
                    sku: (*sku).clone(),
                    location_id: spots[part.spot].location_id.clone(),
                    quantity: part.quantity,
                })
            }))
        })
    }

    /// What the batch has taken, one per stock row, in key order.
    pub(crate) fn taken(&self) -> Vec<Placement> {
        sum_by_row(self.shelves.iter().flat_map(|(sku, spots)| {
            spots
                .iter()
                .filter(|spot| spot.taken > 0)
                .map(|spot| Placement {
                    sku: sku.clone(),
                    location_id: spot.location_id.clone(),
                    quantity: spot.taken,
                })
        }))
    }
}

/// Chooses the spots that serve one SKU's demand.
fn plan(sku: &Sku, demand: &Demand<'_>, spots: &[Spot]) -> Result<Vec<Part>, Vec<Shortage>> {
    let mut left: Vec<i64> = spots.iter().map(|spot| spot.left).collect();
    let mut parts = Vec::with_capacity(1);
    let mut shortages = Vec::new();
    for (&location_id, &requested) in &demand.pinned {
        let spot = spots
            .iter()
            .position(|spot| spot.location_id == *location_id);
        let available = spot.map_or(0, |spot| left[spot]);
        match spot {
            Some(spot) if available >= requested => {
                left[spot] -= requested;
                parts.push(Part {
                    spot,
                    quantity: requested,
                    elsewhere: false,
                });
            }
            _ => shortages.push(Shortage {
                sku: sku.clone(),
                location_id: Some(location_id.clone()),
                requested,
                available,
                version: spot.map_or(0, |spot| spots[spot].version),
            }),
        }
    }
    let requested = demand.free + demand.pinned.values().sum::<i64>();
    let available: i64 = spots.iter().map(|spot| spot.left).sum();
    if demand.free > 0 && requested > available {
        shortages.push(Shortage {
            sku: sku.clone(),
            location_id: None,
            requested,
            available,
            version: spots.iter().map(|spot| spot.version).sum(),
        });
    }
    if shortages.is_empty() {
        parts.extend(pick(demand.free, spots, &left));
        Ok(parts)
    } else {
        Err(shortages)
    }
}

/// Picks spots for units whose location is free: most left first, the default one before others.
fn pick(mut wanted: i64, spots: &[Spot], left: &[i64]) -> Vec<Part> {
    let mut order: Vec<usize> = (0..spots.len()).filter(|&spot| left[spot] > 0).collect();
    order.sort_unstable_by_key(|&spot| {
        let location_id = &spots[spot].location_id;
        (Reverse(left[spot]), !location_id.is_default(), location_id)
    });
    let mut parts = Vec::with_capacity(1);
    for spot in order {
        if wanted == 0 {
            break;
        }
        let quantity = wanted.min(left[spot]);
        wanted -= quantity;
        let elsewhere = !spots[spot].location_id.is_default();
        parts.push(Part {
            spot,
            quantity,
            elsewhere,
        });
    }
    assert_eq!(wanted, 0, "what is picked was counted as available");
    parts
}

#[cfg(test)]
mod tests;
