package localbundle;

import io.delta.sql.parser.DeltaSqlParser;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParameterHandler;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.runtime.AbstractFunction1;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/**
 * Binds the parameters of spark.sql(query, args), which Delta's parser drops (delta-io/delta #7640).
 *
 * Spark's own parser replaces parameter markers by literals before it parses a statement. Delta's parser stands in front
 * of it and inherits a method that ignores the parameters. This one replaces Delta's, and does what Spark's does first.
 */
public final class BoundParameters extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser(
        new AbstractFunction2<SparkSession, ParserInterface, ParserInterface>() {
          @Override
          public ParserInterface apply(SparkSession session, ParserInterface parser) {
            return new Parser(((DeltaSqlParser) parser).delegate());
          }
        });
    return BoxedUnit.UNIT;
  }

  private static final class Parser extends DeltaSqlParser {
    Parser(ParserInterface delegate) {
      super(delegate);
    }

    @Override
    public LogicalPlan parsePlanWithParameters(String text, ParameterContext parameters) {
      return parsePlan(ParameterHandler.substituteParameters(text, parameters)._1());
    }
  }
}
