-- The star schema. Everything here may run again and again.

CREATE SCHEMA IF NOT EXISTS warehouse;

-- Dimensions are small and joined with everything: a copy on each node.
CREATE TABLE IF NOT EXISTS warehouse.dim_customers (
    customer_id  VARCHAR(64)  NOT NULL,
    first_name   VARCHAR(256),
    last_name    VARCHAR(256),
    email        VARCHAR(320) NOT NULL,
    city         VARCHAR(256),
    state        VARCHAR(64),
    country      VARCHAR(8),
    updated_at   TIMESTAMP,
    processed_at TIMESTAMP    NOT NULL,
    PRIMARY KEY (customer_id)
) DISTSTYLE ALL SORTKEY (customer_id);

CREATE TABLE IF NOT EXISTS warehouse.dim_products (
    product_id   VARCHAR(64)  NOT NULL,
    product_name VARCHAR(1024) NOT NULL,
    category     VARCHAR(256),
    brand        VARCHAR(256),
    price        DECIMAL(12, 2) NOT NULL,
    cost         DECIMAL(12, 2),
    updated_at   TIMESTAMP,
    processed_at TIMESTAMP    NOT NULL,
    PRIMARY KEY (product_id)
) DISTSTYLE ALL SORTKEY (product_id);

CREATE TABLE IF NOT EXISTS warehouse.dim_date (
    date_id     INTEGER  NOT NULL,
    "date"      DATE     NOT NULL,
    year        SMALLINT NOT NULL,
    quarter     SMALLINT NOT NULL,
    month       SMALLINT NOT NULL,
    day_of_week SMALLINT NOT NULL,
    PRIMARY KEY (date_id)
) DISTSTYLE ALL SORTKEY ("date");

-- Facts are large: spread by customer, sorted by day, since reports ask for days.
CREATE TABLE IF NOT EXISTS warehouse.fact_orders (
    order_id     VARCHAR(64)    NOT NULL,
    customer_id  VARCHAR(64)    NOT NULL REFERENCES warehouse.dim_customers (customer_id),
    product_id   VARCHAR(64)    NOT NULL REFERENCES warehouse.dim_products (product_id),
    order_date   DATE           NOT NULL,
    quantity     INTEGER        NOT NULL,
    unit_price   DECIMAL(12, 2) NOT NULL,
    total_amount DECIMAL(18, 2) NOT NULL,
    processed_at TIMESTAMP      NOT NULL,
    PRIMARY KEY (order_id, product_id)
) DISTKEY (customer_id) SORTKEY (order_date);
