//! Lets diesel store the enums of `domain` in text columns, under the names that `as_str` returns.

use diesel::deserialize::{self, FromSql, Queryable};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Nullable, Text};

use crate::domain::{BroadcastState, EndReason, PublishRejection, PublishState, StreamStatus};

macro_rules! text_columns {
    ($($type:ty),+ $(,)?) => {$(
        impl AsExpression<Text> for $type {
            type Expression = Bound<Text, &'static str>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self.as_str())
            }
        }

        impl AsExpression<Nullable<Text>> for $type {
            type Expression = Bound<Nullable<Text>, &'static str>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self.as_str())
            }
        }

        impl FromSql<Text, Pg> for $type {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                let name = <String as FromSql<Text, Pg>>::from_sql(value)?;
                Ok(name.parse()?)
            }
        }

        impl Queryable<Text, Pg> for $type {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    )+};
}

text_columns!(
    BroadcastState,
    EndReason,
    PublishRejection,
    PublishState,
    StreamStatus
);
